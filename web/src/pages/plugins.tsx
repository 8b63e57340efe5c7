export default function Page() { return <div class="work"><h1>plugins</h1></div>; }
