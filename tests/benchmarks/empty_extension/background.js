/** Sends each file to a socket that echoes, and what comes back to where it came from. */
chrome.runtime.onConnect.addListener((port) => {
  port.onMessage.addListener(async ({ address, blob }) => {
    const socket = new WebSocket(address);
    socket.binaryType = 'arraybuffer';
    socket.onmessage = ({ data }) => {
      port.postMessage({ blob: new Blob([data]) });
      socket.close();
    };
    const bytes = await blob.arrayBuffer();
    if (socket.readyState === WebSocket.OPEN) socket.send(bytes);
    else socket.onopen = () => { socket.send(bytes); };
  });
});
