# Compiler flags, third-party packages and the precompiled header that all rooms share.

find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
endif()

add_library(facefleet_flags INTERFACE)
target_compile_options(facefleet_flags INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor
                                                 -Werror -fno-omit-frame-pointer)
# Asio: coroutines only, no deprecated names; one io_context thread a process needs no extra.
# BOOST_ASIO_SEPARATE_COMPILATION and its Beast twin move the heavy code into net/asio_build.cc.
target_compile_definitions(
  facefleet_flags INTERFACE BOOST_ASIO_SEPARATE_COMPILATION BOOST_BEAST_SEPARATE_COMPILATION
                            BOOST_ASIO_NO_DEPRECATED BOOST_JSON_NO_LIB _GLIBCXX_USE_CXX11_ABI=1)
# gcc 12 warns of uninitialised, dangling and mismatched memory inside its own std::string, Asio's coroutine
# frames and Boost.JSON's initialiser lists (GCC bugs 105562, 105593, 104475, 109867); these say nothing true
# about our code at -O2.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  target_compile_options(
    facefleet_flags INTERFACE -Wno-maybe-uninitialized -Wno-restrict -Wno-stringop-overflow -Wno-array-bounds
                              -Wno-mismatched-new-delete -Wno-dangling-pointer)
endif()
if(FACEFLEET_SANITIZE)
  target_compile_options(facefleet_flags INTERFACE -fsanitize=${FACEFLEET_SANITIZE})
  target_link_options(facefleet_flags INTERFACE -fsanitize=${FACEFLEET_SANITIZE})
  if(FACEFLEET_SANITIZE STREQUAL "address")
    target_compile_options(facefleet_flags INTERFACE -fsanitize=undefined -fno-sanitize-recover=undefined)
    target_link_options(facefleet_flags INTERFACE -fsanitize=undefined)
  endif()
endif()

set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)
find_package(Boost 1.81 REQUIRED COMPONENTS json)
find_package(OpenSSL REQUIRED)
find_package(PkgConfig REQUIRED)
find_package(spdlog REQUIRED)
pkg_check_modules(SQLITE REQUIRED IMPORTED_TARGET sqlite3)
if(FACEFLEET_TESTS)
  find_package(GTest REQUIRED)
  find_package(benchmark REQUIRED)
  enable_testing()
endif()

# What nearly every source includes; measured 3.4 s of a 4.6 s compile before it was precompiled.
add_library(facefleet_pch OBJECT ${CMAKE_SOURCE_DIR}/cmake/pch.cc)
target_link_libraries(facefleet_pch PUBLIC facefleet_flags Boost::headers Threads::Threads)
target_include_directories(facefleet_pch PUBLIC ${CMAKE_SOURCE_DIR}/src)
if(FACEFLEET_PCH)
  target_precompile_headers(
    facefleet_pch PRIVATE <chrono> <cstdint> <functional> <map> <memory> <optional> <span> <string>
    <string_view> <utility> <vector> <boost/asio/awaitable.hpp> <boost/asio/co_spawn.hpp>
    <boost/asio/io_context.hpp> <boost/asio/steady_timer.hpp> <boost/asio/use_awaitable.hpp>
    <boost/system/result.hpp>)
endif()
