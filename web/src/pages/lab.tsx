export default function Page() { return <div class="work"><h1>lab</h1></div>; }
