#pragma once

#include <vector>

#include "devicemanager/conformance/rule.h"

// The rules by what they are about. AllRules() has them all.
namespace nodedevice::devicemanager::conformance {

std::vector<Rule> RegistrationRules();
std::vector<Rule> RegistryRules();
std::vector<Rule> ListRules();
std::vector<Rule> AllocationRules();
std::vector<Rule> PreferenceRules();
std::vector<Rule> ComebackRules();
std::vector<Rule> ProcessRules();

}  // namespace nodedevice::devicemanager::conformance
