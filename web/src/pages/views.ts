/** Views of the client table that a person kept: in this browser, by name. */
export interface View {
    name: string;
    query: string;
}

const key = 'muster.views';

export function views(): View[] {
    try {
        const stored: unknown = JSON.parse(localStorage.getItem(key) ?? '[]');
        return Array.isArray(stored) ? stored.filter((v): v is View => typeof (v as View).name === 'string' && typeof (v as View).query === 'string') : [];
    } catch {
        return [];
    }
}

function keep(list: View[]): View[] {
    localStorage.setItem(key, JSON.stringify(list.slice(0, 20)));
    return list;
}

export const saveView = (view: View): View[] => keep([...views().filter((v) => v.name !== view.name), view]);
export const deleteView = (name: string): View[] => keep(views().filter((v) => v.name !== name));
