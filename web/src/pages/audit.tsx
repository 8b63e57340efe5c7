export default function Page() { return <div class="work"><h1>audit</h1></div>; }
