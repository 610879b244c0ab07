// The exposition format of Prometheus 0.0.4.
import type { Histogram } from '../application/accounts/script-metrics.ts';

export type Labels = Readonly<Record<string, string>>;

export class MetricsPage {
  #text = '';

  gauge(name: string, help: string): Metric {
    return this.#metric('gauge', name, help);
  }

  counter(name: string, help: string): Metric {
    return this.#metric('counter', name, help);
  }

  histogram(name: string, help: string): { add(histogram: Histogram, labels: Labels): void } {
    this.#head('histogram', name, help);
    return {
      add: ({ boundsMs, counts, sumMs }, labels) => {
        let below = 0;
        for (const [i, count] of counts.entries()) {
          below += count;
          const bound = boundsMs[i];
          const le = bound === undefined ? '+Inf' : String(bound / 1000);
          this.#line(`${name}_bucket`, below, { ...labels, le });
        }
        this.#line(`${name}_sum`, sumMs / 1000, labels);
        this.#line(`${name}_count`, below, labels);
      },
    };
  }

  #metric(type: string, name: string, help: string): Metric {
    this.#head(type, name, help);
    return { add: (value, labels = {}) => this.#line(name, value, labels) };
  }

  #head(type: string, name: string, help: string): void {
    this.#text += `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`;
  }

  #line(name: string, value: number, labels: Labels): void {
    this.#text += `${name}${formatLabels(labels)} ${value}\n`;
  }

  toString(): string {
    return this.#text;
  }
}

export interface Metric {
  add(value: number, labels?: Labels): void;
}

function formatLabels(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escapeLabel(value)}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

function escapeLabel(value: string): string {
  return value
    .toWellFormed()
    .replace(/[\\"\n]/g, (character) => (character === '\n' ? '\\n' : `\\${character}`));
}
