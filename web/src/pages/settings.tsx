export default function Page() { return <div class="work"><h1>settings</h1></div>; }
