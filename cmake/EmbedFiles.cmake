# Run by a build: writes files as raw string literals, `constexpr std::pair<std::string_view, std::string_view> kFiles[]`.
#   cmake -DOUTPUT=files.inc "-DNAMES=a.js;b.css" "-DFILES=/x/a.js;/x/b.css" -P EmbedFiles.cmake
set(text "// Made by cmake/EmbedFiles.cmake.\n")
string(APPEND text "constexpr std::pair<std::string_view, std::string_view> kFiles[] = {\n")
foreach(name file IN ZIP_LISTS NAMES FILES)
  file(READ "${file}" content)
  string(APPEND text "    {\"${name}\", R\"~~~~(${content})~~~~\"},\n")
endforeach()
file(WRITE "${OUTPUT}" "${text}};\n")
