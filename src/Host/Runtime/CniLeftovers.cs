using System.Text.Json;
using System.Text.Json.Nodes;

namespace Hanbae.Host.Runtime;

/// <summary>Gives back what CNI plugins still hold for pods that containerd can no longer remove itself.</summary>
/// <remarks>libcni keeps the result of every ADD until its DEL, so what is left there under our network's name is exactly what is owed.</remarks>
static class CniLeftovers
{
    const string Results = "/var/lib/cni/results";

    public static async Task<int> DeleteAsync(NodePaths paths, CancellationToken ct)
    {
        if (!Directory.Exists(Results)) return 0;
        int count = 0;
        foreach (string file in Directory.EnumerateFiles(Results, paths.CniNetwork + "-*"))
        {
            if (await DeleteAsync(paths, file, ct)) count++;
        }
        return count;
    }

    static async Task<bool> DeleteAsync(NodePaths paths, string file, CancellationToken ct)
    {
        JsonNode? cached = Parse(await File.ReadAllTextAsync(file, ct));
        if ((string?)cached?["networkName"] != paths.CniNetwork) return false;
        if (Cni.FindPlugins(File.Exists) is { } folder && Parse(Decode((string?)cached["config"])) is { } list)
        {
            foreach (JsonNode? plugin in (list["plugins"] as JsonArray ?? []).Reverse())
            {
                if (plugin is not JsonObject config || (string?)config["type"] is not { } type || !File.Exists($"{folder}/{type}")) continue;
                config["name"] = paths.CniNetwork;
                config["cniVersion"] = (string?)list["cniVersion"];
                if (cached["result"] is { } result) config["prevResult"] = result.DeepClone();
                if (cached["capabilityArgs"] is JsonObject capabilities) config["runtimeConfig"] = capabilities.DeepClone();
                byte[] input = System.Text.Encoding.UTF8.GetBytes(config.ToJsonString());
                // A DEL must succeed for what is gone already; a plugin that fails all the same has nothing that the later steps miss.
                await Tool.RunAsync($"{folder}/{type}", [], s => s.WriteAsync(input, ct).AsTask(), new Dictionary<string, string>
                {
                    ["CNI_COMMAND"] = "DEL", ["CNI_CONTAINERID"] = (string?)cached["containerId"] ?? "", ["CNI_IFNAME"] = (string?)cached["ifName"] ?? "eth0", ["CNI_PATH"] = folder,
                }, ct);
            }
        }
        File.Delete(file);
        // containerd itself sets up the loopback of every sandbox, under a network name that all containerds share.
        if ((string?)cached["containerId"] is { Length: > 0 } id) File.Delete($"{Results}/cni-loopback-{id}-lo");
        return true;
    }

    static string Decode(string? base64) => base64 is null ? "" : System.Text.Encoding.UTF8.GetString(Convert.FromBase64String(base64));

    static JsonNode? Parse(string text)
    {
        try
        {
            return JsonNode.Parse(text);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
