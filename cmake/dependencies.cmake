# Everything comes from Debian 12 packages; scripts/install-deps names them.
find_package(Threads REQUIRED)
find_package(Boost 1.74 REQUIRED)
find_package(OpenSSL 3.0 REQUIRED)
find_package(absl REQUIRED)
find_package(nlohmann_json 3.11 REQUIRED)
find_package(yaml-cpp 0.7 REQUIRED)
find_package(spdlog 1.10 REQUIRED)
find_package(fmt REQUIRED)
find_package(CLI11 2.1 REQUIRED)
find_package(Protobuf REQUIRED)
find_package(prometheus-cpp CONFIG REQUIRED)
find_package(OpenSSL 3 REQUIRED)
find_package(cpprestsdk REQUIRED)
find_package(PkgConfig REQUIRED)
find_package(GTest REQUIRED)
find_program(GRPC_CPP_PLUGIN grpc_cpp_plugin REQUIRED)

# gRPC without TLS: the kubelet's sockets are plain HTTP/2, and the unsecure library leaves OpenSSL
# out of the process that runs once per resource on every node. What we and gRPC share (abseil,
# protobuf) must be linked the same way in both, or a program would hold it twice.
pkg_check_modules(GRPC REQUIRED grpc++_unsecure)
add_library(nodedevice_absl INTERFACE)
add_library(nodedevice_grpc INTERFACE)
add_library(nodedevice_spdlog INTERFACE)
add_library(nodedevice_yamlcpp INTERFACE)
if(NODEDEVICE_STATIC_GRPC)
  # pkg-config's --static list and what it leaves to gRPC's own private libraries, all as archives;
  # libc stays dynamic (vendor libraries must be loadable).
  set(archives "")
  set(others "")
  list(REMOVE_DUPLICATES GRPC_STATIC_LIBRARIES)
  foreach(library IN LISTS GRPC_STATIC_LIBRARIES ITEMS protobuf cares re2 upb address_sorting z)
    find_library(archive_${library} NAMES lib${library}.a)
    if(archive_${library} AND NOT library MATCHES "^(m|dl|rt|pthread|c|atomic)$")
      list(APPEND archives ${archive_${library}})
    else()
      list(APPEND others ${library})
    endif()
  endforeach()
  set(absl_archives ${archives})
  list(FILTER absl_archives INCLUDE REGEX "libabsl_")
  list(FILTER archives EXCLUDE REGEX "libabsl_")
  target_link_libraries(nodedevice_absl INTERFACE -Wl,--start-group ${absl_archives}
                                                  -Wl,--end-group)
  target_link_libraries(nodedevice_grpc INTERFACE -Wl,--start-group ${archives} ${absl_archives}
                                                  -Wl,--end-group ${others})
  find_library(archive_yamlcpp NAMES libyaml-cpp.a REQUIRED)
  target_link_libraries(nodedevice_yamlcpp INTERFACE ${archive_yamlcpp})
  # Debian has no archives of these two.
  target_link_libraries(nodedevice_spdlog INTERFACE spdlog::spdlog_header_only
                                                    fmt::fmt-header-only)
else()
  target_link_libraries(nodedevice_absl INTERFACE absl::status absl::statusor absl::strings
                                                  absl::str_format absl::time)
  target_link_libraries(nodedevice_grpc INTERFACE ${GRPC_LINK_LIBRARIES} protobuf::libprotobuf)
  target_link_libraries(nodedevice_spdlog INTERFACE spdlog::spdlog)
  target_link_libraries(nodedevice_yamlcpp INTERFACE yaml-cpp)
endif()
target_link_libraries(nodedevice_grpc INTERFACE nodedevice_absl Threads::Threads)
