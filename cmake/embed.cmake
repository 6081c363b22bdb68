# embed_files(ROOM <folder> <file>…) builds files into a room's library as gateway/assets.h declares them.
#
# At build time this file is also the script that writes the generated source: cmake -DOUT=… -DFOLDER=… -DFILES=… -P it.
if(CMAKE_SCRIPT_MODE_FILE)
  set(arrays "")
  set(rows "")
  set(number 0)
  foreach(file IN LISTS FILES)
    file(READ "${FOLDER}/${file}" bytes HEX)
    string(LENGTH "${bytes}" digits)
    math(EXPR size "${digits} / 2")
    string(REGEX REPLACE "(..)" "0x\\1," bytes "${bytes}")
    string(REGEX REPLACE "(([^,]+,){24})" "\\1\n" bytes "${bytes}")
    string(APPEND arrays "constexpr unsigned char kBytes${number}[] = {\n${bytes}};\n")
    string(APPEND rows
           "    Asset{\"${file}\", {reinterpret_cast<const char*>(kBytes${number}), ${size}}},\n")
    math(EXPR number "${number} + 1")
  endforeach()
  file(WRITE "${OUT}"
       "// Written by cmake/embed.cmake.\n"
       "#include \"gateway/assets.h\"\n\n"
       "namespace facefleet::gateway {\nnamespace {\n\n${arrays}\n}  // namespace\n\n"
       "const Asset* find_asset(std::string_view name) {\n"
       "  static const Asset kAssets[] = {\n${rows}  };\n"
       "  for (const Asset& asset : kAssets)\n    if (asset.name == name) return &asset;\n"
       "  return nullptr;\n}\n\n}  // namespace facefleet::gateway\n")
  return()
endif()

function(embed_files ROOM FOLDER)
  if(NOT TARGET ${ROOM})
    return()
  endif()
  set(out ${CMAKE_CURRENT_BINARY_DIR}/${ROOM}_assets.cc)
  list(TRANSFORM ARGN PREPEND "${FOLDER}/" OUTPUT_VARIABLE inputs)
  set(script ${CMAKE_CURRENT_FUNCTION_LIST_FILE})
  add_custom_command(
    OUTPUT ${out}
    COMMAND ${CMAKE_COMMAND} -DOUT=${out} -DFOLDER=${FOLDER} "-DFILES=${ARGN}" -P ${script}
    DEPENDS ${inputs} ${script}
    COMMENT "Embedding ${ARGN}"
    VERBATIM)
  target_sources(${ROOM} PRIVATE ${out})
endfunction()
