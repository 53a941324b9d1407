#include "plugin/nvidia/gpu_affinity.h"

namespace nodedevice {
namespace {

constexpr int kScoreOfLink = 100;

int ScoreOf(GpuPair::Level level) {
  switch (level) {
    case GpuPair::Level::kSystem:
      return 10;
    case GpuPair::Level::kSameCpu:
      return 20;
    case GpuPair::Level::kHostBridge:
      return 30;
    case GpuPair::Level::kMultipleSwitches:
      return 40;
    case GpuPair::Level::kSingleSwitch:
      return 50;
    case GpuPair::Level::kSameBoard:
      return 60;
  }
  return 0;
}

}  // namespace

Affinity MakeGpuAffinity(const Gpus& gpus) {
  Affinity affinity;
  for (const GpuPair& pair : gpus.pairs) {
    affinity.Set(gpus.gpus.at(pair.first).uuid, gpus.gpus.at(pair.second).uuid,
                 ScoreOf(pair.level) + kScoreOfLink * pair.links);
  }
  return affinity;
}

}  // namespace nodedevice
