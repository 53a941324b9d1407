#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace nodedevice {

// Cuts a stream of bytes into lines while holding at most `max_line` bytes of it, whatever the
// writer sends. Pure.
class BoundedLines {
 public:
  // `dropped`: how many bytes at the line's end were thrown away because it was too long.
  using OnLine = std::function<void(std::string_view line, std::size_t dropped)>;

  BoundedLines(std::size_t max_line, OnLine on_line);

  // Calls back for each line that is complete now, without its newline.
  void Add(std::string_view bytes);

  // The writer is gone: what stands there without a newline is a line too.
  void Finish();

 private:
  void Emit();

  const std::size_t max_line_;
  const OnLine on_line_;
  std::string line_;
  std::size_t dropped_ = 0;
};

}  // namespace nodedevice
