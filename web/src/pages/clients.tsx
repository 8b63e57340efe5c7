export default function Page() { return <div class="work"><h1>clients</h1></div>; }
