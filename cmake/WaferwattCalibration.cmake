# waferwatt-calibrate measures a GPU. Its logic is the module `calibration`, built and tested everywhere; the
# program itself needs nvcc, cuBLAS, cuDNN and NCCL and is built on request (preset `calibration`).

# The module's headers are its own affair: they live beside its sources.
target_include_directories(waferwatt_calibration PUBLIC ${CMAKE_SOURCE_DIR}/src)

option(WAFERWATT_CALIBRATION "Build waferwatt-calibrate if CUDA is found" OFF)

if(NOT WAFERWATT_CALIBRATION)
  return()
endif()

find_program(nvcc nvcc HINTS ENV CUDA_PATH PATH_SUFFIXES bin PATHS /usr/local/cuda/bin)
if(NOT nvcc)
  message(STATUS "waferwatt-calibrate: not built, no nvcc")
  return()
endif()
set(CMAKE_CUDA_COMPILER ${nvcc})
set(CMAKE_CUDA_ARCHITECTURES 80 90 100 CACHE STRING "Compute capabilities of waferwatt-calibrate")
enable_language(CUDA)
find_package(CUDAToolkit REQUIRED)
find_path(CUDNN_INCLUDE_DIR cudnn.h HINTS ${CUDAToolkit_INCLUDE_DIRS})
find_path(NCCL_INCLUDE_DIR nccl.h HINTS ${CUDAToolkit_INCLUDE_DIRS})
find_library(CUDNN_LIBRARY NAMES cudnn libcudnn.so.9 HINTS ${CUDAToolkit_LIBRARY_DIR})
find_library(NCCL_LIBRARY NAMES nccl libnccl.so.2 HINTS ${CUDAToolkit_LIBRARY_DIR})
if(NOT CUDNN_INCLUDE_DIR OR NOT NCCL_INCLUDE_DIR OR NOT CUDNN_LIBRARY OR NOT NCCL_LIBRARY)
  message(STATUS "waferwatt-calibrate: not built, no cuDNN or no NCCL")
  return()
endif()
find_package(Threads REQUIRED)
execute_process(COMMAND git -C ${CMAKE_SOURCE_DIR} describe --always --dirty
                OUTPUT_VARIABLE revision OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
if(NOT revision)
  set(revision "unknown")
endif()

# The program travels to machines with a GPU and little else: of shared libraries it needs CUDA's only.
file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/calibration/*.cpp
     ${CMAKE_SOURCE_DIR}/src/calibration/device/*.cpp ${CMAKE_SOURCE_DIR}/src/calibration/device/*.cu)
list(REMOVE_ITEM sources ${CMAKE_SOURCE_DIR}/src/calibration/device/main.cpp)
add_library(waferwatt_calibration_device STATIC ${sources}
  ${CMAKE_SOURCE_DIR}/src/core/diagnostic.cpp ${CMAKE_SOURCE_DIR}/src/core/random.cpp
  ${CMAKE_SOURCE_DIR}/src/io/value.cpp ${CMAKE_SOURCE_DIR}/src/io/json_writer.cpp)
# CMake before 3.26 does not know how to ask nvcc 13 for C++20; the kernels are C++17.
set_target_properties(waferwatt_calibration_device PROPERTIES CUDA_STANDARD 17)
target_include_directories(waferwatt_calibration_device PUBLIC ${CMAKE_SOURCE_DIR}/include ${CMAKE_SOURCE_DIR}/src)
target_include_directories(waferwatt_calibration_device SYSTEM PUBLIC ${CUDAToolkit_INCLUDE_DIRS} ${CUDNN_INCLUDE_DIR}
                           ${NCCL_INCLUDE_DIR})
set_source_files_properties(${CMAKE_SOURCE_DIR}/src/calibration/device/session.cpp PROPERTIES COMPILE_DEFINITIONS
  "WAFERWATT_VERSION=\"${PROJECT_VERSION}\";WAFERWATT_REVISION=\"${revision}\"")
target_compile_options(waferwatt_calibration_device PRIVATE
  "$<$<COMPILE_LANGUAGE:CXX>:-Wall;-Wextra;-Wconversion;-Wno-missing-field-initializers>"
  "$<$<COMPILE_LANGUAGE:CUDA>:-Xcompiler=-Wall,-Wextra>")
target_link_libraries(waferwatt_calibration_device PUBLIC fmt::fmt-header-only nlohmann_json::nlohmann_json
  CUDA::cudart_static CUDA::cublas CUDA::cublasLt ${CUDNN_LIBRARY} ${NCCL_LIBRARY} Threads::Threads ${CMAKE_DL_LIBS})
add_executable(waferwatt-calibrate ${CMAKE_SOURCE_DIR}/src/calibration/device/main.cpp)
target_link_libraries(waferwatt-calibrate PRIVATE waferwatt_calibration_device)
target_link_options(waferwatt-calibrate PRIVATE -static-libstdc++ -static-libgcc)

if(WAFERWATT_TESTS)
  find_package(Catch2 2.13 REQUIRED)
  file(GLOB tests CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/unit/calibration/device/test_*.cpp)
  add_executable(test_calibration_device ${CMAKE_SOURCE_DIR}/tests/test_main.cpp ${tests})
  target_link_libraries(test_calibration_device PRIVATE waferwatt_calibration_device Catch2::Catch2)
  target_compile_definitions(test_calibration_device PRIVATE WAFERWATT_CALIBRATE="$<TARGET_FILE:waferwatt-calibrate>")
  add_dependencies(test_calibration_device waferwatt-calibrate)
  add_test(NAME "calibration: the device's side" COMMAND test_calibration_device)
endif()
