// The bot of `test_foreign_clients`, written with discord.js.
import { createRequire } from "node:module";

const installed = createRequire(`${process.cwd()}/`);
const { ActionRowBuilder, ButtonBuilder, ButtonStyle, Client, Events, GatewayIntentBits, Partials } =
  installed("discord.js");
const api = process.env.DISCORD_API_URL.replace("/v10", "");
const client = new Client({
  intents: [GatewayIntentBits.Guilds, GatewayIntentBits.GuildMessageReactions],
  partials: [Partials.Message, Partials.Reaction, Partials.User, Partials.Channel],
  rest: { api },
});

client.once(Events.ClientReady, async () => {
  const file = { type: 11, name: "file", description: "A file.", required: true };
  await client.application.commands.set([{ name: "echo", description: "Answers with a file.", options: [file] }]);
  console.log("ready");
});
client.on(Events.InteractionCreate, async (interaction) => {
  if (interaction.isButton()) {
    await interaction.update({ content: "Pressed" });
    return;
  }
  await interaction.deferReply();
  const button = new ButtonBuilder().setCustomId("go").setLabel("Go").setStyle(ButtonStyle.Primary);
  await interaction.editReply({
    content: `Got ${interaction.options.getAttachment("file").name}`,
    components: [new ActionRowBuilder().addComponents(button)],
    files: [{ attachment: Buffer.from("made"), name: "made.txt" }],
  });
});
client.on(Events.MessageReactionAdd, async (reaction, user) => {
  if (user.id !== client.user.id) await reaction.message.react("👍");
});
client.on(Events.ShardResume, () => console.log("resumed"));
client.on(Events.GuildCreate, (guild) => console.log("joined", guild.name));
await client.login(process.env.DISCORD_TOKEN);
