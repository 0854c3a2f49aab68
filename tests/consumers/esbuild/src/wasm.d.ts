/** With `--loader:.wasm=file` an import of wasm is the address of a copy of it. */
declare module "*.wasm" {
    const address: string;
    export default address;
}
