#include "pool/numbers.h"

#include <sqlite3.h>

namespace muster::pool {

Result<Numbers> loadNumbers(Connection& connection) {
    Numbers numbers;
    auto products = connection.prepare("SELECT id,application,counted,sku FROM product");
    if (!products)
        return fail(products.error());
    while (products->step())
        numbers.products[products->integer(0)] = {products->guid(1), products->guid(2), products->guid(3)};
    auto upstreams = connection.prepare("SELECT id,name FROM upstream");
    if (!upstreams)
        return fail(upstreams.error());
    while (upstreams->step())
        numbers.upstreams[upstreams->integer(0)] = upstreams->text(1);
    if (products->code() != SQLITE_DONE || upstreams->code() != SQLITE_DONE)
        return fail(connection.problem("cannot read"));
    return numbers;
}

}  // namespace muster::pool
