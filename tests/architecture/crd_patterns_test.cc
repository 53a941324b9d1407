// The patterns of the schema beside the parser's own rules: both judge every short text made of the
// characters that matter.

#include <gtest/gtest.h>

#include <algorithm>
#include <ostream>
#include <regex>
#include <string>
#include <vector>

#include "tests/architecture/crd_schema.h"

namespace nodedevice::testing {
namespace {

using nlohmann::json;

// The part of a string's schema that is written with patterns, limits and words.
class TextSchema {
 public:
  explicit TextSchema(const json& schema)
      : limit_(schema.value("maxLength", std::size_t{4096})),
        words_(schema.value("enum", std::vector<std::string>())) {
    if (schema.contains("pattern")) patterns_.emplace_back(schema["pattern"].get<std::string>());
    for (const json& part : schema.value("allOf", json::array())) {
      patterns_.emplace_back(part.at("pattern").get<std::string>());
    }
  }

  bool Takes(const std::string& text) const {
    for (const std::regex& pattern : patterns_) {
      if (!std::regex_search(text, pattern)) return false;
    }
    const bool known =
        words_.empty() || std::find(words_.begin(), words_.end(), text) != words_.end();
    return known && text.size() <= limit_;
  }

 private:
  std::size_t limit_;
  std::vector<std::string> words_;
  std::vector<std::regex> patterns_;
};

// Calls `visit` with every text of at most `length` of these characters.
template <typename Visit>
void ForEachText(const std::string& characters, std::size_t length, const Visit& visit,
                 const std::string& begin = "") {
  visit(begin);
  if (length == 0) return;
  for (const char c : characters) ForEachText(characters, length - 1, visit, begin + c);
}

struct Texts {
  std::string field;
  std::string prefix;
  std::string characters;
  std::size_t length;
};

void PrintTo(const Texts& texts, std::ostream* out) {
  *out << texts.field << " " << json(texts.prefix + texts.characters);
}

std::vector<Texts> AllTexts() {
  const std::string path = "spec.plugins[0].paths.groups[0].paths[0].";
  const std::string container = "spec.plugins[0].container.";
  const std::string usb = "spec.plugins[0].paths.groups[0].usb[0].";
  const std::string pci = "spec.plugins[0].pci.selectors[0].";
  const std::string mdev = "spec.plugins[0].mdev.selectors[0].";
  const std::string usb_devices = "spec.plugins[0].usb.selectors[0].";
  const std::string onload = "spec.plugins[0].onload.";
  const std::string queues = "spec.plugins[0].adjunctProcessor.";
  const std::string device = "spec.plugins[0].static.devices[0].";
  return {
      {path + "path", "/dev/", "/.*[]!a", 4},
      {path + "path", "/opt/[", "]^!?/a", 5},
      {path + "path", "/usr/", "/.\\\n\x7f", 3},
      {path + "path", "", "/dev", 6},
      {path + "containerPath", "", "/.a", 7},
      {path + "containerPath", "/", "\n*\\", 2},
      {path + "permissions", "", "rwmx", 4},
      {usb + "vendor", "", "0xXa", 6},
      {usb + "product", "", "0ag-", 5},
      {pci + "vendor", "", "0xXa", 6},
      {pci + "class", "", "0xa", 7},
      {pci + "driver", "", "a0-_./", 4},
      {pci + "address", "", "0:.", 7},
      {pci + "address", "0000:3b:0", "f*?.7[", 4},
      {pci + "pfNames[0]", "", "a.#0-,", 5},
      {pci + "pfNames[0]", "ens1f0#", "0-,", 7},
      {pci + "rootDevices[0]", "0000:3b:00", ".#07-", 5},
      {"spec.plugins[0].pci.driver", "", "a0-_./", 4},
      {mdev + "type", "", " a\x7f\n", 3},
      {mdev + "uuid", "83b8f4f2-509f-382f-3c1e-e6bfe0fa1", "0g-", 4},
      {mdev + "parent", "", "a:._*?-/", 3},
      {"spec.plugins[0].mdev.create[0].type", "", " a\x7f\n", 3},
      {"spec.plugins[0].mdev.create[0].parents[0]", "", "a:._*?-/", 3},
      {usb_devices + "vendor", "", "0xXa", 6},
      {usb_devices + "product", "", "0ag-", 5},
      {container + "mounts[0].hostPath", "/etc", "/.*a", 6},
      {container + "mounts[0].containerPath", "", "/.a", 7},
      {container + "cdi[0]", "", "a1/=-", 6},
      {container + "cdi[0]", "a/a", "=._:a", 5},
      {"spec.plugins[0].name", "", "a0-A._", 4},
      {"spec.plugins[0].nvidia.driverRoot", "", "/.a", 6},
      {"spec.plugins[0].nvidia.driverRoot", "/run", "/.a\n", 4},
      {"spec.plugins[0].nvidia.driverRoot", "/home/kubernetes/bin", "/.a", 5},
      {"spec.plugins[0].nvidia.cdiAnnotationPrefix", "", "a1-./A", 4},
      {"spec.plugins[0].nvidia.configFile", "/etc", "/.*a", 6},
      {onload + "hostPath", "", "/optdev", 5},
      {onload + "hostPath", "/opt", "/.\n*", 6},
      {onload + "baseMountPath", "", "/.a", 7},
      {onload + "baseMountPath", "/", "\n*\\", 2},
      {onload + "binPath", "", "/.a\n", 6},
      {onload + "libPath", "", "/.a\n", 6},
      {queues + "apqns[0].machineId", "", "aZ0-.", 6},
      {queues + "shadowPath", "/va", "r/a", 6},
      {queues + "shadowPath", "/var", "/.\n*", 6},
      {queues + "configFile", "/etc", "/.*a", 6},
      {queues + "set", "", "a0-._/", 4},
      {device + "nodes[0].path", "/etc", "/.*a", 6},
      {device + "nodes[0].containerPath", "", "/.a", 7},
      {device + "nodes[0].permissions", "", "rwmx", 4},
      {device + "mounts[0].hostPath", "/etc", "/.*a", 6},
      {device + "mounts[0].containerPath", "", "/.a", 7},
      {"spec.plugins[0].static.idsEnv", "", "A=\x7f ", 3},
      {"spec.plugins[0].static.cdiKind", "", "a1/.-=", 6},
      {"spec.plugins[0].static.holdFile", "/etc", "/.*a", 6},
      {device + "id", "", "a ~\x7f\t", 3},
      {device + "reason", "", " \x7f\x1f~", 3},
  };
}

// One for each: together they take minutes under the sanitizers.
class CrdPatternsTest : public ::testing::TestWithParam<Texts> {};

TEST_P(CrdPatternsTest, TakesWhatTheParserTakes) {
  const Texts& texts = GetParam();
  const SchemaPlace place = PlaceAt(kConfigCrd, texts.field);
  const TextSchema schema(place.schema);
  std::size_t taken = 0;
  ForEachText(texts.characters, texts.length, [&](const std::string& text) {
    const std::string whole = texts.prefix + text;
    const bool takes = schema.Takes(whole);
    taken += takes ? 1 : 0;
    EXPECT_EQ(takes, MessagesAt(ErrorsWith(place, whole), place.path()).empty())
        << place.path() << ": " << json(whole);
  });
  EXPECT_GT(taken, 0u) << place.path() << " " << texts.prefix << " " << texts.characters;
}

INSTANTIATE_TEST_SUITE_P(Each, CrdPatternsTest, ::testing::ValuesIn(AllTexts()));

}  // namespace
}  // namespace nodedevice::testing
