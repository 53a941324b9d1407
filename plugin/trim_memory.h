#pragma once

#include <malloc.h>

#include <cstddef>

namespace nodedevice {

// Lists of thousands of devices are built and dropped at every change; their pages go back to the
// node once they are `worth_it` bytes.
inline void TrimMemory(std::size_t worth_it = 1u << 20) {
  if (::mallinfo2().fordblks > worth_it) ::malloc_trim(0);
}

}  // namespace nodedevice
