# Warnings, sanitizers and ccache for every target of ours. Generated protobuf code is exempt: it
# is compiled by proto/CMakeLists.txt without `nodedevice_options`.
find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM)
  # What one checkout compiled is known in every other.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${CMAKE_SOURCE_DIR}
                                  CCACHE_NOHASHDIR=true ${CCACHE_PROGRAM})
endif()

add_library(nodedevice_options INTERFACE)
target_include_directories(nodedevice_options INTERFACE ${CMAKE_SOURCE_DIR})
target_compile_options(nodedevice_options INTERFACE -Wall -Wextra -Wshadow -Wnon-virtual-dtor
                                                   -Woverloaded-virtual -Wcast-qual -Wundef)
if(CMAKE_CXX_COMPILER_ID STREQUAL Clang)
  target_compile_options(nodedevice_options INTERFACE -Wreserved-identifier)
endif()
if(NODEDEVICE_WERROR)
  target_compile_options(nodedevice_options INTERFACE -Werror)
endif()
target_compile_definitions(nodedevice_options INTERFACE NODEDEVICE_VERSION="${PROJECT_VERSION}")

if(NODEDEVICE_SANITIZE)
  # Lines and functions are all that a finding names; variables would take a fifth of the time longer.
  add_compile_options(-fsanitize=${NODEDEVICE_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all -g1)
  add_link_options(-fsanitize=${NODEDEVICE_SANITIZE})
  if(NODEDEVICE_SANITIZE MATCHES thread AND CMAKE_CXX_COMPILER_ID STREQUAL GNU)
    # Asio's fences, which ThreadSanitizer does not understand, are not what keeps it in order.
    add_compile_options(-Wno-tsan)
  endif()
endif()
if(NODEDEVICE_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)  # what libFuzzer is guided by
endif()
if(NODEDEVICE_COVERAGE)  # of clang
  add_compile_options(-fprofile-instr-generate -fcoverage-mapping)
  add_link_options(-fprofile-instr-generate)
endif()
if(NODEDEVICE_HARDEN)
  # Generated code as well. scripts/contents looks for all of it in the programs that are shipped.
  add_compile_options(-fstack-protector-strong -fstack-clash-protection -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
                      -D_GLIBCXX_ASSERTIONS)
  include(CheckCXXCompilerFlag)
  check_cxx_compiler_flag(-fcf-protection NODEDEVICE_HAS_CF_PROTECTION)  # x86 only
  if(NODEDEVICE_HAS_CF_PROTECTION)
    add_compile_options(-fcf-protection)
  endif()
  add_link_options(-Wl,-z,relro,-z,now,-z,noexecstack)
  # Of what each program was linked, in build/release/PROGRAM.link.d: scripts/contents tells others.
  add_link_options(-Wl,--dependency-file=$<TARGET_PROPERTY:NAME>.link.d)
endif()
# Only what is used ends up in a program: the plugin runs once per resource on every node.
add_compile_options(-ffunction-sections -fdata-sections)
add_link_options(-Wl,--gc-sections -Wl,--as-needed)

# nodedevice_library(name SOURCES... DEPENDS...): one static library per folder.
function(nodedevice_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPENDS" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  target_link_libraries(${name} PUBLIC nodedevice_options ${ARG_DEPENDS})
endfunction()
