/** All pictures of the page: one sprite, compiled in. 16 px, strokes of 1.5. */
import type { JSX } from 'preact';

const shapes = {
    menu: <path d="M2 4h12M2 8h12M2 12h12" />,
    crit: <><path d="M5.4 1.75h5.2l3.65 3.65v5.2l-3.65 3.65H5.4L1.75 10.6V5.4z" fill="currentColor" /><path class="inner" d="M8 4.6v4M8 11.1v.1" /></>,
    warn: <path d="M8 1.9 14.6 13.6H1.4zM8 6.25v3.5M8 11.6v.1" />,
    note: <><rect x="1.9" y="1.9" width="12.2" height="12.2" rx="1.5" /><path d="M8 7.4v4M8 4.7v.1" /></>,
    ok: <><circle cx="8" cy="8" r="6.25" /><path d="m5.1 8.2 2.1 2.1 3.8-4.4" /></>,
    none: <><circle cx="8" cy="8" r="6.25" /><path d="m3.7 3.7 8.6 8.6" /></>,
    search: <><circle cx="7" cy="7" r="4.75" /><path d="m10.5 10.5 3.75 3.75" /></>,
    theme: <><circle cx="8" cy="8" r="6.25" /><path d="M8 1.75a6.25 6.25 0 0 1 0 12.5z" fill="currentColor" /></>,
    user: <><circle cx="8" cy="5" r="3" /><path d="M2.5 14c.5-3 2.7-4.5 5.5-4.5s5 1.5 5.5 4.5" /></>,
    overview: <path d="M2.5 13.5V9M6.2 13.5V4.5M9.8 13.5v-6M13.5 13.5V2.5" />,
    clients: <><rect x="1.75" y="2.75" width="9.5" height="7" rx="1" /><path d="M4.5 12.75h4M6.5 9.75v3M13.25 5.5h1v7.75H11" /></>,
    events: <path d="M2 3.5h1M5.5 3.5H14M2 8h1M5.5 8H14M2 12.5h1M5.5 12.5H11" />,
    upstreams: <><rect x="2" y="2" width="12" height="4.5" rx="1" /><rect x="2" y="9.5" width="12" height="4.5" rx="1" /><path d="M4.75 4.25h.1M4.75 11.75h.1M7.5 4.25H11M7.5 11.75H11" /></>,
    dns: <><path d="M8 1.75v4M8 5.75 3.5 9.5M8 5.75l4.5 3.75" /><circle cx="3.5" cy="11.75" r="2" /><circle cx="12.5" cy="11.75" r="2" /></>,
    lab: <path d="M6 1.75h4M6.75 1.75v4.5l-4 6.5c-.4.7.1 1.5.9 1.5h8.7c.8 0 1.3-.8.9-1.5l-4-6.5v-4.5M4.8 10.25h6.4" />,
    plugins: <path d="M5.5 1.75v3M10.5 1.75v3M3.5 4.75h9v3a4.5 4.5 0 0 1-9 0zM8 12.25v2" />,
    settings: <><path d="M2 4.5h6.5M12 4.5h2M2 11.5h2M7.5 11.5H14" /><circle cx="10.25" cy="4.5" r="1.75" /><circle cx="5.75" cy="11.5" r="1.75" /></>,
    system: <><rect x="1.75" y="3.75" width="12.5" height="8.5" rx="1" /><path d="M4.5 9.5h.1M7 9.5h.1M4.5 6.5h7" /></>,
    box: <><path d="M8 1.75 14 5v6l-6 3.25L2 11V5zM2 5l6 3.25L14 5M8 8.25v6" /></>,
    audit: <path d="M3 2.75c0-.6.4-1 1-1h9v12.5H4a1 1 0 0 1-1-1zM6 5h4M6 7.75h4M5.5 1.75v12.5" />,
    columns: <><rect x="2" y="2.5" width="12" height="11" rx="1" /><path d="M6 2.5v11M10 2.5v11" /></>,
    download: <path d="M8 2v8M4.75 7 8 10.25 11.25 7M2.5 13.75h11" />,
    close: <path d="m3.5 3.5 9 9M12.5 3.5l-9 9" />,
    plus: <path d="M8 2.5v11M2.5 8h11" />,
    down: <path d="M8 3v10M4.5 9.5 8 13l3.5-3.5" />,
    up: <path d="M8 13V3M4.5 6.5 8 3l3.5 3.5" />,
    copy: <><rect x="5.25" y="5.25" width="8.5" height="8.5" rx="1" /><path d="M10.75 2.25h-7.5a1 1 0 0 0-1 1v7.5" /></>,
    left: <path d="M13.5 8h-11M6.5 4l-4 4 4 4" />,
    right: <path d="M2.5 8h11M9.5 4l4 4-4 4" />,
    pause: <path d="M5.5 3v10M10.5 3v10" />,
    play: <path d="M4.5 2.75v10.5L13 8z" />,
    undo: <path d="M3 6.5h6.5a4 4 0 0 1 0 8H6M6 3.5l-3 3 3 3" />,
    lock: <><rect x="3" y="7" width="10" height="7" rx="1" /><path d="M5 7V5a3 3 0 0 1 6 0v2" /></>,
    check: <path d="m2.75 8.5 3.5 3.5 7-8" />,
    leave: <path d="M6.5 2.5h-4v11h4M6.5 8h7.25M10.75 5l3 3-3 3" />,
} satisfies Record<string, JSX.Element>;

export type IconName = keyof typeof shapes;

/** Stands once in the page. */
export function Sprite() {
    return (
        <svg class="vh" aria-hidden="true" focusable="false">
            {Object.entries(shapes).map(([name, shape]) => (
                <symbol key={name} id={`i-${name}`} viewBox="0 0 16 16">{shape}</symbol>
            ))}
            <defs>
                <pattern id="hatch" class="hatch" width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><path d="M0 0V5" stroke-width="1.6" /></pattern>
            </defs>
        </svg>
    );
}

export function Icon({ name }: { name: IconName }) {
    return <svg class="i" aria-hidden="true" focusable="false"><use href={`#i-${name}`} /></svg>;
}

export function Mark() {
    return (
        <svg class="mark" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
            <path class="st" d="M5.5 4v16M10 4v16M14.5 4v16M19 4v16" /><path class="ca" d="M2 17 22 7" /><path class="st" d="M2 17 22 7" />
        </svg>
    );
}
