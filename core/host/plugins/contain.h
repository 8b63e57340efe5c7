/// What a plugin throws ends here, as text.
#pragma once

#include <exception>
#include <optional>
#include <string>
#include <utility>

#include "muster/result.h"

namespace muster::plugins {

/// Runs `work`; an Error if it threw, whatever it threw.
template <class Work>
std::optional<Error> contain(Work&& work) {
    try {
        std::forward<Work>(work)();
        return std::nullopt;
    } catch (const Fault& fault) {
        return fault.error();
    } catch (const std::exception& exception) {
        return Error{Code::internal, "", exception.what()};
    } catch (...) {
        return Error{Code::internal, "", "threw something that is no std::exception"};
    }
}

}  // namespace muster::plugins
