export default function Page() { return <div class="work"><h1>system</h1></div>; }
