#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace nodedevice {

// How many bytes the UTF-8 character at the beginning of `text` takes; 0 when the bytes there are
// not one (also for overlong forms and surrogates, which JSON readers refuse), or `text` is empty.
std::size_t Utf8Length(std::string_view text);

// Where the first byte stands that is not UTF-8; npos when all of `text` is.
std::size_t FindInvalidUtf8(std::string_view text);

// The longest beginning of `text` that is UTF-8 and at most `limit` bytes: what may be shown in a
// log, and put into an object of the API, of a text that somebody else wrote.
std::string_view Utf8Prefix(std::string_view text, std::size_t limit);

// `text` as a part of a line that a terminal may show: each run of spaces, newlines and other
// control characters is one space, a byte that is not UTF-8 is a question mark, and what is longer
// than `limit` bytes ends with "...". REQUIRES: limit >= 3.
std::string OneLine(std::string_view text, std::size_t limit);

}  // namespace nodedevice
