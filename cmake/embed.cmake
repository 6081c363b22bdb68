# embed_files(ROOM <folder> <file>…) builds files into a room's library as the room's assets.h declares them. A file
# named by its whole path is taken from there.
#
# At build time this file is also the script that writes the generated source: cmake -DOUT=… -DROOM=… -DFILES=… -P it.
if(CMAKE_SCRIPT_MODE_FILE)
  set(arrays "")
  set(rows "")
  set(number 0)
  foreach(file IN LISTS FILES)
    file(READ "${file}" bytes HEX)
    get_filename_component(name "${file}" NAME)
    string(LENGTH "${bytes}" digits)
    math(EXPR size "${digits} / 2")
    string(REGEX REPLACE "(..)" "0x\\1," bytes "${bytes}")
    string(REGEX REPLACE "(([^,]+,){24})" "\\1\n" bytes "${bytes}")
    string(APPEND arrays "constexpr unsigned char kBytes${number}[] = {\n${bytes}};\n")
    string(APPEND rows
           "    Asset{\"${name}\", {reinterpret_cast<const char*>(kBytes${number}), ${size}}},\n")
    math(EXPR number "${number} + 1")
  endforeach()
  file(WRITE "${OUT}"
       "// Written by cmake/embed.cmake.\n"
       "#include \"${ROOM}/assets.h\"\n\n"
       "namespace facefleet::${ROOM} {\nnamespace {\n\n${arrays}\n}  // namespace\n\n"
       "const Asset* find_asset(std::string_view name) {\n"
       "  static const Asset kAssets[] = {\n${rows}  };\n"
       "  for (const Asset& asset : kAssets)\n    if (asset.name == name) return &asset;\n"
       "  return nullptr;\n}\n\n}  // namespace facefleet::${ROOM}\n")
  return()
endif()

function(embed_files ROOM FOLDER)
  if(NOT TARGET ${ROOM})
    return()
  endif()
  set(out ${CMAKE_CURRENT_BINARY_DIR}/${ROOM}_assets.cc)
  set(inputs "")
  foreach(file IN LISTS ARGN)
    cmake_path(ABSOLUTE_PATH file BASE_DIRECTORY ${FOLDER})
    list(APPEND inputs ${file})
  endforeach()
  set(script ${CMAKE_CURRENT_FUNCTION_LIST_FILE})
  add_custom_command(
    OUTPUT ${out}
    COMMAND ${CMAKE_COMMAND} -DOUT=${out} -DROOM=${ROOM} "-DFILES=${inputs}" -P ${script}
    DEPENDS ${inputs} ${script}
    COMMENT "Embedding ${ARGN}"
    VERBATIM)
  target_sources(${ROOM} PRIVATE ${out})
endfunction()
