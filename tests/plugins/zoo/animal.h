/// What the zoo's plugins share: an empty Plugin to begin with, and an answer of one word.
#pragma once

#include "muster/plugin.h"

namespace zoo {

class Animal : public muster::Plugin {
public:
    explicit Animal(muster::Host& host) : host_(host) {}
    void start() override {}
    void stop() noexcept override {}

protected:
    muster::Host& host_;
};

inline muster::Handler says(const char* word) {
    return [word](const muster::Call&) -> muster::Result<muster::Reply> {
        return muster::Reply(muster::json({{"says", word}}));
    };
}

}  // namespace zoo
