# Everything comes from Debian 12 packages; scripts/install-deps names them.
find_package(Threads REQUIRED)
find_package(Boost 1.74 REQUIRED)
find_package(absl REQUIRED)
find_package(nlohmann_json 3.11 REQUIRED)
find_package(yaml-cpp 0.7 REQUIRED)
find_package(spdlog 1.10 REQUIRED)
find_package(CLI11 2.1 REQUIRED)
find_package(Protobuf REQUIRED)
find_package(prometheus-cpp CONFIG REQUIRED)
find_package(PkgConfig REQUIRED)
find_package(GTest REQUIRED)
find_library(CIVETWEB_LIBRARY civetweb REQUIRED)
find_program(GRPC_CPP_PLUGIN grpc_cpp_plugin REQUIRED)

# gRPC without TLS: the kubelet's sockets are plain HTTP/2, and the unsecure library leaves OpenSSL
# out of the process that runs once per resource on every node.
pkg_check_modules(GRPC REQUIRED grpc++_unsecure)
add_library(nodedevice_grpc INTERFACE)
if(NODEDEVICE_STATIC_GRPC)
  # pkg-config's --static list, with every library that has an archive taken as the archive; libc
  # stays dynamic (dlopen must work for vendor libraries).
  set(static_libraries "")
  foreach(library IN LISTS GRPC_STATIC_LIBRARIES)
    find_library(archive_${library} NAMES lib${library}.a)
    if(archive_${library} AND NOT library MATCHES "^(m|dl|rt|pthread|c)$")
      list(APPEND static_libraries ${archive_${library}})
    else()
      list(APPEND static_libraries ${library})
    endif()
  endforeach()
  find_library(PROTOBUF_ARCHIVE NAMES libprotobuf.a REQUIRED)
  target_link_libraries(nodedevice_grpc INTERFACE -Wl,--start-group ${static_libraries}
                        ${PROTOBUF_ARCHIVE} -Wl,--end-group -static-libstdc++ -static-libgcc)
  set(NODEDEVICE_PROTOBUF ${PROTOBUF_ARCHIVE})
else()
  target_link_libraries(nodedevice_grpc INTERFACE ${GRPC_LINK_LIBRARIES} protobuf::libprotobuf)
endif()
target_link_libraries(nodedevice_grpc INTERFACE Threads::Threads)
