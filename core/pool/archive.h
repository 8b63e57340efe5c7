/// The store as people use it: with lists, sums, removal and backup. The dispatcher sees no more than its base.
#pragma once

#include "pool/reader.h"
#include "pool/store.h"

namespace muster::pool {

class Archive : public Store {
public:
    /// As Store::open().
    static Result<std::unique_ptr<Archive>> open(StoreConfig config);

    /// Lists and sums. Call settle() first to see all that was acknowledged. @thread any but a reactor's
    virtual Reader& reader() noexcept = 0;

    /// As Reader::sum() of now; of a pool that takes long to read, with all who asked one to a few seconds ago (Sums).
    /// @thread any but a reactor's
    virtual Result<PoolSum> sum() = 0;

    /// Removes a client in all applications and under all names, after all that was appended before.
    /// @param done  as with append()  @thread any
    virtual void remove(const Guid& cmid, std::function<void(Durability)> done) = 0;

    /// Copies the database, with all that was acknowledged, to a new file.
    /// @error duplicate  the file exists  @error storage  with the system's words  @thread any; takes its time
    virtual Result<void> backup(const std::string& path) = 0;
};

}  // namespace muster::pool
