# What Debian ships without a CMake package that both releases agree on, as imported targets.

# CppUTest: unit tests. Its leak detector is switched off in the shared main (core/sdk/test/main.cpp).
find_path(CPPUTEST_INCLUDE CppUTest/TestHarness.h REQUIRED)
find_library(CPPUTEST_LIBRARY CppUTest REQUIRED)
find_library(CPPUTEST_EXT_LIBRARY CppUTestExt REQUIRED)
add_library(Muster::CppUTest INTERFACE IMPORTED)
target_include_directories(Muster::CppUTest SYSTEM INTERFACE "${CPPUTEST_INCLUDE}")
target_link_libraries(Muster::CppUTest INTERFACE "${CPPUTEST_EXT_LIBRARY}" "${CPPUTEST_LIBRARY}")
# CppUTest's macros for new and malloc stay out of our way.
target_compile_definitions(Muster::CppUTest INTERFACE CPPUTEST_MEM_LEAK_DETECTION_DISABLED CPPUTEST_USE_MEM_LEAK_DETECTION=0)

# mbedTLS 2.28 (Debian 12) and 3.6 (Debian 13): most need only its crypto part.
find_path(MBEDTLS_INCLUDE mbedtls/cmac.h REQUIRED)
find_library(MBEDCRYPTO_LIBRARY mbedcrypto REQUIRED)
add_library(Muster::MbedCrypto INTERFACE IMPORTED)
target_include_directories(Muster::MbedCrypto SYSTEM INTERFACE "${MBEDTLS_INCLUDE}")
target_link_libraries(Muster::MbedCrypto INTERFACE "${MBEDCRYPTO_LIBRARY}")
find_library(MBEDTLS_LIBRARY mbedtls REQUIRED)
find_library(MBEDX509_LIBRARY mbedx509 REQUIRED)
add_library(Muster::MbedTls INTERFACE IMPORTED)
target_link_libraries(Muster::MbedTls INTERFACE "${MBEDTLS_LIBRARY}" "${MBEDX509_LIBRARY}" Muster::MbedCrypto)

# toml++, nlohmann-json, CLI11: header-only, included in .cpp files only.
find_path(TOMLPP_INCLUDE toml++/toml.h REQUIRED)
find_path(NLOHMANN_INCLUDE nlohmann/json.hpp REQUIRED)
find_path(CLI11_INCLUDE CLI/CLI.hpp REQUIRED)
find_path(EXPECTED_INCLUDE tl/expected.hpp REQUIRED)

# ldns: DNS messages. 1.8 on both releases; Debian 12 has no CMake package of it.
pkg_check_modules(LDNS REQUIRED IMPORTED_TARGET ldns)
add_library(Muster::Ldns INTERFACE IMPORTED)
target_link_libraries(Muster::Ldns INTERFACE PkgConfig::LDNS)

# libargon2: how the page's passwords are kept.
pkg_check_modules(ARGON2 REQUIRED IMPORTED_TARGET libargon2)
add_library(Muster::Argon2 INTERFACE IMPORTED)
target_link_libraries(Muster::Argon2 INTERFACE PkgConfig::ARGON2)

# libsodium: backups under a password.
pkg_check_modules(SODIUM REQUIRED IMPORTED_TARGET libsodium)
add_library(Muster::Sodium INTERFACE IMPORTED)
target_link_libraries(Muster::Sodium INTERFACE PkgConfig::SODIUM)
