# Compiler, warnings, sanitizers, hardening, reproducibility: one place for all targets.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_C_STANDARD 11)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)
set(CMAKE_ARCHIVE_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/lib")
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/bin")
set(MUSTER_PLUGIN_DIRECTORY "${PROJECT_BINARY_DIR}/plugins")  # where a daemon started from this tree looks

set(MUSTER_SANITIZE "" CACHE STRING "Sanitizers, as -fsanitize takes them: address,undefined or thread")
option(MUSTER_FUZZ "Build the libFuzzer targets (clang)" OFF)
option(MUSTER_COVERAGE "Instrument for gcov" OFF)
# Three quarters of a compilation are the standard library's headers. Builds that only test take them from one
# precompiled header; what ships, and what clang-tidy reads, names all that it uses. g++ 12 takes warnings of the standard
# library for ours with it.
option(MUSTER_PRECOMPILED "Take the standard library's headers from one precompiled header (clang)" OFF)

if(NOT CMAKE_BUILD_TYPE)
    set(CMAKE_BUILD_TYPE Dev CACHE STRING "Dev, Debug or Release" FORCE)
endif()
# Measured: what -O1 saves in the tests it costs twice in compiling. FORCE: project() has set them empty.
set(CMAKE_CXX_FLAGS_DEV "-O0 -g1" CACHE STRING "quick to build, fit to debug" FORCE)
set(CMAKE_C_FLAGS_DEV "-O0 -g1" CACHE STRING "quick to build, fit to debug" FORCE)
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -g1" CACHE STRING "" FORCE)
set(CMAKE_C_FLAGS_RELEASE "-O2 -g1" CACHE STRING "" FORCE)

# No path of the machine that built it is in a binary.
add_compile_options("-ffile-prefix-map=${PROJECT_SOURCE_DIR}/=" "-ffile-prefix-map=${PROJECT_BINARY_DIR}=build")
add_compile_options(-Wall -Wextra -Wpedantic -Wconversion -Werror
                    $<$<COMPILE_LANGUAGE:CXX>:-Wnon-virtual-dtor> $<$<COMPILE_LANGUAGE:CXX>:-Wold-style-cast>)
add_compile_options(-fstack-protector-strong -fno-omit-frame-pointer)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
    add_compile_options(-fcf-protection)
endif()
add_link_options(-Wl,-z,relro,-z,now,-z,noexecstack -Wl,--as-needed)
if(CMAKE_BUILD_TYPE STREQUAL "Release")
    add_compile_options(-ftrivial-auto-var-init=zero)
    add_compile_definitions(_FORTIFY_SOURCE=2 _GLIBCXX_ASSERTIONS)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    add_link_options(-fuse-ld=lld)
endif()

if(MUSTER_SANITIZE)
    add_compile_options("-fsanitize=${MUSTER_SANITIZE}" -fno-sanitize-recover=all)
    add_link_options("-fsanitize=${MUSTER_SANITIZE}")
    if(MUSTER_SANITIZE MATCHES "undefined")
        # vptr needs type information shared across libraries that hide theirs; function likewise.
        add_compile_options(-fno-sanitize=vptr,function)
    endif()
endif()
if(MUSTER_PRECOMPILED)
    set(CMAKE_CXX_COMPILE_OPTIONS_PIE "${CMAKE_CXX_COMPILE_OPTIONS_PIC}")  # one precompiled header fits all
endif()
if(MUSTER_FUZZ)
    add_compile_options(-fsanitize=fuzzer-no-link)
endif()
if(MUSTER_COVERAGE)
    add_compile_options(--coverage)
    add_link_options(--coverage)
endif()

find_program(MUSTER_CCACHE ccache)
if(MUSTER_CCACHE)
    set(CMAKE_CXX_COMPILER_LAUNCHER "${MUSTER_CCACHE}")
    set(CMAKE_C_COMPILER_LAUNCHER "${MUSTER_CCACHE}")
endif()
