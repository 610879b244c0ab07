/** What is said about the configuration without stopping anything. */
export interface Note {
  level: 'warn' | 'info' | 'debug';
  text: string;
}
