using System.Formats.Tar;
using System.Net;
using System.Security.Cryptography;
using System.Text;

namespace Hanbae.EndToEnd.Rig;

/// <summary>A registry with one image in it, for what insists on pulling: on a port of this machine, known to a cluster's runtime.</summary>
public sealed class LittleRegistry : IDisposable
{
    const string Manifest = "application/vnd.oci.image.manifest.v1+json", Config = "application/vnd.oci.image.config.v1+json", Layer = "application/vnd.oci.image.layer.v1.tar";

    readonly HttpListener _listener = new();
    readonly Dictionary<string, (string Type, byte[] Content)> _served = [];
    readonly string _host, _folder;
    int _pulls;

    public LittleRegistry(RealCluster cluster, params (string Path, string Text)[] files)
    {
        _host = $"127.0.0.1:{RealCluster.FreePort()}";
        byte[] layer = Tar(files);
        byte[] config = Encoding.UTF8.GetBytes($"{{\"architecture\":\"amd64\",\"os\":\"linux\",\"config\":{{}},\"rootfs\":{{\"type\":\"layers\",\"diff_ids\":[\"{Digest(layer)}\"]}}}}");
        byte[] manifest = Encoding.UTF8.GetBytes($"{{\"schemaVersion\":2,\"mediaType\":\"{Manifest}\",\"config\":{Descriptor(Config, config)},\"layers\":[{Descriptor(Layer, layer)}]}}");
        foreach (var (type, content) in (IEnumerable<(string, byte[])>)[(Manifest, manifest), (Config, config), (Layer, layer)])
            _served[$"/v2/files/{(type == Manifest ? "manifests" : "blobs")}/{Digest(content)}"] = (type, content);
        _served["/v2/files/manifests/1"] = (Manifest, manifest);
        _served["/v2/"] = ("application/json", "{}"u8.ToArray());

        _folder = Path.Combine(cluster.DataDir, "containerd/certs.d", _host);
        Directory.CreateDirectory(_folder);
        File.WriteAllText(Path.Combine(_folder, "hosts.toml"), $"server = \"http://{_host}\"\n[host.\"http://{_host}\"]\n  capabilities = [\"pull\", \"resolve\"]\n");
        _listener.Prefixes.Add($"http://{_host}/");
        _listener.Start();
        _ = ServeAsync();
    }

    public string Image => _host + "/files:1";

    /// <summary>How often somebody asked what the image's tag is now.</summary>
    public int Pulls => Volatile.Read(ref _pulls);

    async Task ServeAsync()
    {
        while (_listener.IsListening)
        {
            HttpListenerContext asked;
            try { asked = await _listener.GetContextAsync(); }
            catch (Exception e) when (e is HttpListenerException or ObjectDisposedException) { return; }
            string path = asked.Request.Url!.AbsolutePath;
            if (path.EndsWith("/manifests/1", StringComparison.Ordinal)) Interlocked.Increment(ref _pulls);
            if (_served.TryGetValue(path, out var found))
            {
                asked.Response.ContentType = found.Type;
                asked.Response.Headers["Docker-Content-Digest"] = Digest(found.Content);
                asked.Response.ContentLength64 = found.Content.Length;
                if (asked.Request.HttpMethod == "GET") await asked.Response.OutputStream.WriteAsync(found.Content);
            }
            else asked.Response.StatusCode = 404;
            asked.Response.Close();
        }
    }

    static byte[] Tar((string Path, string Text)[] files)
    {
        var stream = new MemoryStream();
        using (var tar = new TarWriter(stream, leaveOpen: true))
            foreach (var (path, text) in files)
                tar.WriteEntry(new PaxTarEntry(TarEntryType.RegularFile, path) { DataStream = new MemoryStream(Encoding.UTF8.GetBytes(text)), Mode = (UnixFileMode)0b110_100_100 });
        return stream.ToArray();
    }

    static string Descriptor(string type, byte[] content) => $"{{\"mediaType\":\"{type}\",\"digest\":\"{Digest(content)}\",\"size\":{content.Length}}}";

    static string Digest(byte[] content) => "sha256:" + Convert.ToHexStringLower(SHA256.HashData(content));

    public void Dispose()
    {
        _listener.Close();
        Directory.Delete(_folder, recursive: true);
    }
}
