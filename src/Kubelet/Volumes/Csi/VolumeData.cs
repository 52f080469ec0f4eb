using System.Text.Json;
using Hanbae.Kubelet.Volumes.Disk;

namespace Hanbae.Kubelet.Volumes.Csi;

/// <summary>What has to be known of a volume to take it down again: upstream's <c>vol_data.json</c>, written before the driver is first asked.</summary>
/// <param name="Name">Of the PersistentVolume; of the Pod's volume where it is inline.</param>
sealed record VolumeData(string Name, string Handle, string Driver)
{
    const string File = "vol_data.json";

    public string Node { get; init; } = "";
    /// <summary>Of the VolumeAttachment; empty for drivers that attach nothing.</summary>
    public string Attachment { get; init; } = "";
    public bool Inline { get; init; }
    /// <summary>Whose it is; not in the file, but where that lies.</summary>
    public string PodUid { get; init; } = "";

    /// <summary>Null when there is none, or what is there cannot be read.</summary>
    public static VolumeData? Read(string folder)
    {
        try
        {
            using var json = JsonDocument.Parse(System.IO.File.ReadAllBytes(Path.Combine(folder, File)));
            string Get(string key) => json.RootElement.TryGetProperty(key, out var value) ? value.GetString() ?? "" : "";
            return new(Get("specVolID"), Get("volumeHandle"), Get("driverName")) { Node = Get("nodeName"), Attachment = Get("attachmentID"), Inline = Get("volumeLifecycleMode") == "Ephemeral" };
        }
        catch (Exception e) when (e is IOException or JsonException or InvalidOperationException or UnauthorizedAccessException) { return null; }
    }

    /// <summary>The file appears finished: a kubelet that was killed leaves all of it or none.</summary>
    /// <exception cref="IOException"/>
    public void Write(string folder)
    {
        Directory.CreateDirectory(folder);
        WholeFile.Write(Path.Combine(folder, File), CsiNodes.Text([
            new("attachmentID", Attachment), new("driverName", Driver), new("nodeName", Node), new("specVolID", Name), new("volumeHandle", Handle),
            new("volumeLifecycleMode", Inline ? "Ephemeral" : "Persistent"),
        ]));
    }

    /// <exception cref="IOException"/>
    public static void Remove(string folder) => System.IO.File.Delete(Path.Combine(folder, File));
}
