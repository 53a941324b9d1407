#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "cpprest/http_client.h"

namespace nodedevice {

// Reads the body of an answer piece by piece, as it comes, until it ends or `take` has enough.
class BodyReader : public std::enable_shared_from_this<BodyReader> {
 public:
  using Take = std::function<bool(std::string)>;

  BodyReader(const web::http::http_response& response, Take take)
      : buffer_(response.body().streambuf()), take_(std::move(take)) {}

  pplx::task<void> Read() {
    pplx::task<void> whole = pplx::create_task(whole_);
    Next();
    return whole;
  }

 private:
  using Buffer = concurrency::streams::streambuf<std::uint8_t>;
  static constexpr std::size_t kPiece = 64u << 10;

  // Not one task inside the other: a watch has any number of pieces.
  void Next() {
    // Waits for one byte, then takes what has come with it.
    buffer_.getc().then([self = shared_from_this()](const pplx::task<Buffer::int_type>& next) {
      self->OrFail([&] {
        if (next.get() == Buffer::traits::eof()) {
          self->whole_.set();
        } else {
          self->TakePiece();
        }
      });
    });
  }

  void TakePiece() {
    piece_.resize(std::min(buffer_.in_avail(), kPiece));
    auto* target = reinterpret_cast<std::uint8_t*>(piece_.data());
    buffer_.getn(target, piece_.size())
        .then([self = shared_from_this()](const pplx::task<std::size_t>& size) {
          self->OrFail([&] {
            self->piece_.resize(size.get());
            if (self->take_(std::exchange(self->piece_, {}))) {
              self->Next();
            } else {
              self->whole_.set();
            }
          });
        });
  }

  // An exception that a task throws and nobody awaits ends the program.
  template <typename Step>
  void OrFail(const Step& step) {
    try {
      step();
    } catch (...) {
      whole_.set_exception(std::current_exception());
    }
  }

  Buffer buffer_;
  std::string piece_;
  const Take take_;
  pplx::task_completion_event<void> whole_;
};

}  // namespace nodedevice
