#pragma once

// The DevicePluginConfigs of tests/documents and what each of the two who judge them must say: the
// agent, whose parser is lib/api, and the API server, whose schema is crds/. The README there says
// how one is written.

#include <filesystem>
#include <string>
#include <vector>

namespace nodedevice::testing {

struct Document {
  std::filesystem::path path;
  std::string folder;  // "accepted", "refused" ...
  std::string text;
  // How the agent's only error begins. Empty: it accepts the document.
  std::string agent;
  // What stands in the API server's errors. Empty: it accepts the document.
  std::string api_server;
};

// All of them, and the samples for users, which are "accepted". A file whose first lines do not fit
// its folder throws.
std::vector<Document> Documents();

}  // namespace nodedevice::testing
