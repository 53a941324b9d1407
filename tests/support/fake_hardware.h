#pragma once

#include <string>

#include "tests/support/temp_dir.h"

namespace nodedevice::testing {

// Hardware of a fake node, with all that its drivers show of it and make for it.

// Two mediated devices of the type "GRID T4-1Q", of one card on NUMA node 1; in IOMMU groups 90 and
// 91.
void PlugVirtualGpus(const TempDir& node);

// A USB device on port 1-`number`, with its node /dev/bus/usb/001/00`number`; numbers are digits.
struct UsbIdentity {
  std::string vendor, product, serial;
};
void PlugUsb(const TempDir& node, const std::string& number, const UsbIdentity& identity);

// Two USB security keys, 1050:0407, on ports 4 and 5: /dev/bus/usb/001/004 and 005.
void PlugSecurityKeys(const TempDir& node);

// A card of Solarflare with the interface ens1f0, and Onload's driver and library for it.
void PlugOnloadCard(const TempDir& node);

// Three GPUs of NVIDIA, of which the second is cut in two, with the driver's library in `folder`.
void PlugGpus(const TempDir& node, const std::string& folder = "usr/lib64");

// Queues 3/5 of a CCA coprocessor, 4/6 of an EP11 one and 10/5 of an accelerator, each with the
// zcrypt node "apqn-A-D-0" that a kernel has made for it: nothing acts on what is written to a fake
// node, so only what is there can be made ready.
void PlugCryptoCards(const TempDir& node);

}  // namespace nodedevice::testing
