export default function Page() { return <div class="work"><h1>upstreams</h1></div>; }
