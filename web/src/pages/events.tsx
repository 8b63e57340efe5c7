export default function Page() { return <div class="work"><h1>events</h1></div>; }
