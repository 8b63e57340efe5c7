export default function Page() { return <div class="work"><h1>dns</h1></div>; }
