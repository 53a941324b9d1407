#include "tests/support/fake_ap_bus.h"

#include <filesystem>

#include "absl/strings/str_format.h"

namespace nodedevice::testing {

FakeApBus::FakeApBus(const TempDir& node) : node_(node) {
  for (const auto& [name, text] :
       {std::pair("ap_interrupts", "1\n"), std::pair("ap_max_adapter_id", "255\n"),
        std::pair("ap_max_domain_id", "84\n"), std::pair("poll_thread", "0\n"),
        std::pair("poll_timeout", "1500000\n"), std::pair("ap_domain", "6\n"),
        std::pair("features", "APSC\n")}) {
    node_.Write(std::string("sys/bus/ap/") + name, text);
  }
  node_.Write("sys/class/zcrypt/create", "");
  node_.Write("sys/class/zcrypt/destroy", "");
}

void FakeApBus::Plug(int adapter, const std::string& type) const {
  for (const auto& [name, text] : {std::pair<const char*, std::string>("type", type + "\n"),
                                   {"ap_functions", "0x92000000\n"},
                                   {"depth", "8\n"},
                                   {"hwtype", "13\n"},
                                   {"raw_hwtype", "13\n"},
                                   {"config", "1\n"},
                                   {"chkstop", "0\n"},
                                   {"online", "1\n"},
                                   {"load", "17\n"},
                                   {"request_count", "4711\n"},
                                   {"pendingq_count", "1\n"},
                                   {"requestq_count", "2\n"},
                                   {"serialnr", "93AADDYK\n"},
                                   {"modalias", "ap:t0D\n"}}) {
    node_.Write(OfCard(adapter, name), text);
  }
}

void FakeApBus::AddQueue(int adapter, int domain, const std::string& online) const {
  for (const auto& [name, text] : {std::pair<const char*, std::string>("online", online),
                                   {"interrupt", "Interrupts enabled.\n"},
                                   {"reset", "No Reset Timer set.\n"},
                                   {"config", "1\n"},
                                   {"chkstop", "0\n"},
                                   {"load", "17\n"},
                                   {"request_count", "4711\n"},
                                   {"pendingq_count", "1\n"},
                                   {"requestq_count", "2\n"},
                                   {"mkvps", "AES NEW: empty 0x0\n"}}) {
    node_.Write(OfQueue(adapter, domain, name), text);
  }
}

std::string FakeApBus::OfCard(int adapter, const std::string& file) {
  return absl::StrFormat("sys/devices/ap/card%02x/%s", adapter, file);
}

std::string FakeApBus::OfQueue(int adapter, int domain, const std::string& file) {
  return OfCard(adapter, absl::StrFormat("%02x.%04x/%s", adapter, domain, file));
}

}  // namespace nodedevice::testing
