#pragma once

#include <string>
#include <string_view>

namespace nodedevice {

// `text` so that it means itself inside an element or a quoted attribute, in HTML and in XML.
std::string EscapeMarkup(std::string_view text);

}  // namespace nodedevice
