// The only file that is compiled with absolute paths: a compiler cache knows the others in every
// checkout.

#include "tests/support/places.h"

namespace nodedevice::testing {

std::filesystem::path SourceRoot() { return NODEDEVICE_SOURCE_FOLDER; }
std::filesystem::path ProgramFolder() { return NODEDEVICE_PROGRAM_FOLDER; }

}  // namespace nodedevice::testing
