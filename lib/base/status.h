#pragma once

// Errors are values: absl::Status and absl::StatusOr, with the errno mapping and the two macros
// that keep error paths one line long. A library function returns its error; whoever can act on it
// logs it, once, and says what happens next.

#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"

namespace nodedevice {

// The error of a failed system call: "<what>: <strerror>", with the code that fits `error_number`.
inline absl::Status ErrnoStatus(int error_number, std::string_view what) {
  return absl::ErrnoToStatus(error_number, absl::string_view(what.data(), what.size()));
}

// The same error with "<context>: " before its message.
inline absl::Status Annotate(const absl::Status& status, std::string_view context) {
  if (status.ok()) return status;
  return absl::Status(status.code(), absl::StrCat(std::string(context), ": ", status.message()));
}

}  // namespace nodedevice

#define NODEDEVICE_CONCAT_INNER(a, b) a##b
#define NODEDEVICE_CONCAT(a, b) NODEDEVICE_CONCAT_INNER(a, b)

// Returns from the enclosing function when `expression` is an error.
#define RETURN_IF_ERROR(expression)                                         \
  do {                                                                      \
    if (absl::Status status_ = (expression); !status_.ok()) return status_; \
  } while (false)

// ASSIGN_OR_RETURN(auto value, Function()): the value, or returns the error.
#define ASSIGN_OR_RETURN(lhs, expression) \
  ASSIGN_OR_RETURN_IMPL(NODEDEVICE_CONCAT(status_or_, __LINE__), lhs, expression)
#define ASSIGN_OR_RETURN_IMPL(status_or, lhs, expression) \
  auto status_or = (expression);                          \
  if (!status_or.ok()) return status_or.status();         \
  lhs = std::move(status_or).value()
