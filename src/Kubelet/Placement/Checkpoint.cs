using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Hanbae.Kubelet.Placement;

/// <summary>Files in which upstream's kubelet, too, would find its state: JSON with a checksum over the value as Go prints it.</summary>
static class Checkpoint
{
    static readonly JsonWriterOptions s_plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>FNV-1a in 32 bits.</summary>
    public static uint Sum(string printed)
    {
        uint sum = 2166136261;
        foreach (byte b in Encoding.UTF8.GetBytes(printed)) sum = (sum ^ b) * 16777619;
        return sum;
    }

    /// <summary>A file that is there is whole.</summary>
    /// <exception cref="IOException"/>
    public static void Write(string path, Action<Utf8JsonWriter> members)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, s_plain))
        {
            json.WriteStartObject();
            members(json);
            json.WriteEndObject();
        }
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        string made = Path.Combine(Path.GetDirectoryName(path)!, "." + Path.GetFileName(path));
        File.WriteAllBytes(made, buffer.ToArray());
        File.Move(made, path, overwrite: true);
    }
}
