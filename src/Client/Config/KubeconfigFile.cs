using System.Text;

namespace Hanbae.Client;

/// <summary>Writes a kubeconfig of one cluster, one user and one context, for its owner's eyes only.</summary>
/// <param name="Name">Of the cluster and the context.</param>
/// <param name="User">Of the user.</param>
public sealed record KubeconfigFile(string Name, string User, ClusterConfig Config)
{
    /// <summary>The user's certificate and key stay in their files, which are named: others renew them.</summary>
    public bool NamesFiles { get; init; }

    /// <summary>The file as it will be; certificates and keys are put in as data, but for <see cref="NamesFiles"/>.</summary>
    /// <exception cref="ArgumentException">The user is a program's or impersonates, which is not written here.</exception>
    public string ToYaml()
    {
        if (Config.Exec is not null || Config.Headers.Count > 0) throw new ArgumentException("a user with exec or impersonation cannot be written to a kubeconfig");
        var yaml = new StringBuilder("apiVersion: v1\nkind: Config\nclusters:\n");
        yaml.Append($"- name: {Quote(Name)}\n  cluster:\n    server: {Quote(Config.Server.ToString().TrimEnd('/'))}\n");
        Pem(yaml, "certificate-authority", Config.CertificateAuthority);
        if (Config.Insecure) yaml.Append("    insecure-skip-tls-verify: true\n");
        Text(yaml, "tls-server-name", Config.TlsServerName);
        Text(yaml, "proxy-url", Config.Proxy?.OriginalString ?? "");
        yaml.Append($"users:\n- name: {Quote(User)}\n  user:{(HasCredentials ? "" : " {}")}\n");
        Credential(yaml, "client-certificate", Config.ClientCertificate);
        Credential(yaml, "client-key", Config.ClientKey);
        Text(yaml, "token", Config.Token);
        Text(yaml, "tokenFile", Config.TokenFile);
        Text(yaml, "username", Config.Username);
        Text(yaml, "password", Config.Password);
        yaml.Append($"contexts:\n- name: {Quote(Name)}\n  context:\n    cluster: {Quote(Name)}\n    user: {Quote(User)}\n");
        if (Config.Namespace != "default") Text(yaml, "namespace", Config.Namespace);
        return yaml.Append($"current-context: {Quote(Name)}\n").ToString();
    }

    bool HasCredentials => !Config.ClientCertificate.IsEmpty || !Config.ClientKey.IsEmpty || Config.Token.Length > 0 || Config.TokenFile.Length > 0 || Config.Username.Length > 0;

    /// <summary>Puts the file in place at once, readable by its owner only.</summary>
    public async Task WriteAsync(string path, CancellationToken ct)
    {
        string folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        Directory.CreateDirectory(folder);
        string aside = Path.Combine(folder, $".{Path.GetFileName(path)}.{Guid.NewGuid():N}");
        try
        {
            var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
            if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
            await using (var stream = new FileStream(aside, options))
            {
                await stream.WriteAsync(Encoding.UTF8.GetBytes(ToYaml()), ct);
                stream.Flush(flushToDisk: true);
            }
            File.Move(aside, path, overwrite: true);
        }
        finally { File.Delete(aside); }
    }

    void Credential(StringBuilder yaml, string field, FileOrData pem)
    {
        if (NamesFiles && pem.File is { Length: > 0 } file) Text(yaml, field, file);
        else Pem(yaml, field, pem);
    }

    static void Pem(StringBuilder yaml, string field, FileOrData pem)
    {
        if (pem.IsEmpty) return;
        byte[] data = string.IsNullOrEmpty(pem.File) ? pem.Data.ToArray() : File.ReadAllBytes(pem.File);
        yaml.Append($"    {field}-data: {Convert.ToBase64String(data)}\n");
    }

    static void Text(StringBuilder yaml, string field, string value)
    {
        if (value.Length > 0) yaml.Append($"    {field}: {Quote(value)}\n");
    }

    /// <summary>A text as it stands where YAML reads it so, in double quotes (which are JSON's) where not.</summary>
    static string Quote(string value)
    {
        bool plain = value.Length > 0 && char.IsAsciiLetter(value[0]) && value.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.' or '/' or '@' or ':')
            && value is not ("true" or "false" or "null" or "yes" or "no" or "on" or "off") && value[^1] != ':';
        return plain ? value : "\"" + value.Replace("\\", "\\\\").Replace("\"", "\\\"").Replace("\n", "\\n") + "\"";
    }
}
