# A module is a static library `waferwatt_<name>` of src/<name>/*.cpp with its headers in
# include/waferwatt/<name>/. A COLD module reads, writes and joins: it has no loop worth the compiler's time, and is
# compiled with -O1 (declarations of records take half the time).

# What GCC 12 says of std::string and std::optional without cause is off.
function(waferwatt_compile_options target)
  waferwatt_warnings(${target})
  target_compile_options(${target} PRIVATE -Wno-stringop-overflow -Wno-maybe-uninitialized)
endfunction()

function(waferwatt_warnings target)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wconversion -Wno-missing-field-initializers -Wno-restrict)
  if(WAFERWATT_WARNINGS_AS_ERRORS)
    target_compile_options(${target} PRIVATE -Werror)
  endif()
  if(WAFERWATT_SANITIZE)
    target_compile_options(${target} PRIVATE -fsanitize=address,undefined -fno-omit-frame-pointer)
    target_link_options(${target} PRIVATE -fsanitize=address,undefined)
  endif()
endfunction()

# With -O1 GCC 12 takes empty std::optional for uninitialised.
function(waferwatt_cold target)
  target_compile_options(${target} PRIVATE $<$<CONFIG:Release>:-O1 -Wno-maybe-uninitialized>)
endfunction()

# Headers of others that nearly every file includes, parsed once. The preset `dev` does without, so that a file that
# forgets one is found.
set(WAFERWATT_COMMON_HEADERS <algorithm> <chrono> <cmath> <cstdint> <filesystem> <functional> <map> <memory> <numeric>
    <optional> <span> <stdexcept> <string> <string_view> <variant> <vector> <fmt/format.h> <fmt/ranges.h>)

# A target whose precompiled headers others reuse; their options have to agree with its own.
function(waferwatt_precompiled target)
  file(GENERATE OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/${target}.cpp CONTENT "")
  add_library(${target} OBJECT ${CMAKE_CURRENT_BINARY_DIR}/${target}.cpp)
  target_link_libraries(${target} PRIVATE fmt::fmt)
  target_precompile_headers(${target} PRIVATE ${WAFERWATT_COMMON_HEADERS} ${ARGN})
  waferwatt_warnings(${target})
  # Compiled headers differ from folder to folder; by what is in them the compiler cache knows them to be the same.
  string(SHA256 sum "${CMAKE_CXX_COMPILER_VERSION} ${fmt_VERSION} ${WAFERWATT_COMMON_HEADERS} ${ARGN}")
  file(WRITE ${CMAKE_CURRENT_BINARY_DIR}/CMakeFiles/${target}.dir/cmake_pch.hxx.gch.sum ${sum})
endfunction()

function(waferwatt_module name)
  cmake_parse_arguments(ARG "COLD" "" "DEPENDS;LINK" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/${name}/*.cpp)
  add_library(waferwatt_${name} STATIC ${sources})
  target_include_directories(waferwatt_${name} PUBLIC ${CMAKE_SOURCE_DIR}/include)
  foreach(dependency IN LISTS ARG_DEPENDS)
    target_link_libraries(waferwatt_${name} PUBLIC waferwatt_${dependency})
  endforeach()
  target_link_libraries(waferwatt_${name} PUBLIC ${ARG_LINK})
  waferwatt_compile_options(waferwatt_${name})
  if(ARG_COLD)
    waferwatt_cold(waferwatt_${name})
    target_precompile_headers(waferwatt_${name} REUSE_FROM precompiled_cold)
  else()
    target_precompile_headers(waferwatt_${name} REUSE_FROM precompiled)
  endif()
  set_property(GLOBAL APPEND PROPERTY WAFERWATT_MODULES ${name})
endfunction()

# The version and the git state go into every result; only one file is rebuilt when they change.
function(waferwatt_version_definitions target)
  execute_process(COMMAND git -C ${CMAKE_SOURCE_DIR} describe --always --dirty
                  OUTPUT_VARIABLE revision OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  if(NOT revision)
    set(revision "unknown")
  endif()
  set_source_files_properties(${CMAKE_SOURCE_DIR}/src/report/provenance.cpp PROPERTIES COMPILE_DEFINITIONS
    "WAFERWATT_VERSION=\"${PROJECT_VERSION}\";WAFERWATT_REVISION=\"${revision}\"")
endfunction()

# Files that the program carries: the source <source> of a module includes "<output>" (kFiles, pairs of name and content).
# Arguments after that are pairs NAME FILE.
function(waferwatt_embed target source output)
  set(names)
  set(files)
  while(ARGN)
    list(POP_FRONT ARGN name file)
    list(APPEND names ${name})
    list(APPEND files ${file})
  endwhile()
  set(made ${CMAKE_CURRENT_BINARY_DIR}/embedded/${output})
  add_custom_command(OUTPUT ${made} DEPENDS ${files} ${CMAKE_SOURCE_DIR}/cmake/EmbedFiles.cmake VERBATIM
    COMMAND ${CMAKE_COMMAND} "-DOUTPUT=${made}" "-DNAMES=${names}" "-DFILES=${files}" -P ${CMAKE_SOURCE_DIR}/cmake/EmbedFiles.cmake)
  set_property(SOURCE ${source} APPEND PROPERTY OBJECT_DEPENDS ${made})
  target_sources(${target} PRIVATE ${made})
  target_include_directories(${target} PRIVATE ${CMAKE_CURRENT_BINARY_DIR}/embedded)
endfunction()
