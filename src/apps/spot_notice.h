// What a worker on EC2's spot market does when its instance is about to be taken away.
#pragma once

#include <functional>
#include <memory>

#include "apps/role.h"
#include "aws/imds.h"

namespace facefleet::apps {

// Asks the instance metadata service, every 5 s as AWS advises, whether a notice has come, and then calls `drain`,
// once: two minutes are left, which is enough to finish what is leased. Ends then, or with the role's context.
void watch_for_spot_notice(Role& role, std::unique_ptr<aws::Imds> imds, std::function<void()> drain);

}  // namespace facefleet::apps
