// nodemailer, pooled, a message for each reader. Usage: node pool.js PORT COUNT FOLDER; prints CPU and wall seconds as JSON.
const fs = require("fs");
const path = require("path");
const [port, count, folder] = [Number(process.argv[2]), Number(process.argv[3]), process.argv[4]];
const nodemailer = require(path.join(folder, "node_modules", "nodemailer"));
const html = fs.readFileSync(path.join(folder, "letter.html"), "utf8");
const text = fs.readFileSync(path.join(folder, "letter.txt"), "utf8");
const SLOT = /HANDBILL-READER-TOKEN/g;

async function main() {
  const pool = nodemailer.createTransport({
    host: "127.0.0.1", port, secure: false, ignoreTLS: true, pool: true, maxConnections: 10, maxMessages: Infinity,
  });
  let next = 0;
  async function worker() {
    while (next < count) {
      const number = next++;
      const token = String(number).padStart(8, "0") + "-5d59-4f0e-9f43-0a7b4b8f9d11.Zm9vYmFyLV9iYXpxdXV4";
      await pool.sendMail({
        from: "The Paper <news@paper.example>", to: `reader${number}@mail.example`, subject: "Today: eight reports",
        html: html.replace(SLOT, token), text: text.replace(SLOT, token),
        headers: {
          "List-Unsubscribe": `<https://paper.example/unsubscribe/${token}/>`,
          "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        },
      });
    }
  }
  const cpu = process.cpuUsage(), began = process.hrtime.bigint();
  await Promise.all(Array.from({ length: 10 }, worker));
  const spent = process.cpuUsage(cpu);
  const wall = Number(process.hrtime.bigint() - began) / 1e9;
  console.log(JSON.stringify({ cpu: (spent.user + spent.system) / 1e6, wall, memory: 0 }));
  pool.close();
}
main();
