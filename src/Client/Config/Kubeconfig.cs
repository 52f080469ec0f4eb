namespace Hanbae.Client;

/// <summary>Finds in kubeconfig files which cluster is meant and how to get in.</summary>
public sealed class Kubeconfig
{
    sealed record Part(YamlTree Value, string Folder);

    readonly Dictionary<string, Part> _clusters = [], _users = [], _contexts = [];

    Kubeconfig() { }

    /// <summary>The context that counts where none is named; empty when the files name none.</summary>
    public string CurrentContext { get; private set; } = "";
    /// <summary>Their names, in the order in which they were found.</summary>
    public IEnumerable<string> Contexts => _contexts.Keys;

    /// <summary>The files of <c>KUBECONFIG</c>, or <c>~/.kube/config</c>; of equal names the first counts. Files that are not there are left out.</summary>
    /// <exception cref="FormatException">A file is no kubeconfig.</exception>
    public static Kubeconfig LoadDefault(Func<string, string?> environment)
    {
        string[] files = environment("KUBECONFIG") is { Length: > 0 } list
            ? list.Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
            : [Path.Combine(environment("HOME") ?? "/root", ".kube", "config")];
        return Load([.. files.Where(File.Exists)]);
    }

    /// <inheritdoc cref="LoadDefault"/>
    public static Kubeconfig Load(params ReadOnlySpan<string> files)
    {
        var config = new Kubeconfig();
        foreach (string file in files)
            try { config.Add(YamlTree.Parse(File.ReadAllText(file)), Path.GetDirectoryName(Path.GetFullPath(file))!); }
            catch (FormatException e) { throw new FormatException($"{file}: {e.Message}", e); }
        return config;
    }

    /// <param name="folder">What relative paths in it are relative to.</param>
    public static Kubeconfig Parse(string yaml, string folder)
    {
        var config = new Kubeconfig();
        config.Add(YamlTree.Parse(yaml), folder);
        return config;
    }

    void Add(YamlTree root, string folder)
    {
        if (CurrentContext.Length == 0) CurrentContext = root["current-context"].Text;
        foreach (var (list, part, into) in new[] { ("clusters", "cluster", _clusters), ("users", "user", _users), ("contexts", "context", _contexts) })
            foreach (var item in root[list].Items) into.TryAdd(item["name"].Text, new(item[part], folder));
    }

    /// <summary>All that a context says.</summary>
    /// <param name="context">Empty for the current one.</param>
    /// <exception cref="FormatException">There is no such context, or it says what cannot be done.</exception>
    public ClusterConfig Resolve(string context = "")
    {
        string name = context.Length > 0 ? context : CurrentContext;
        if (name.Length == 0) throw new FormatException("no context is given and the kubeconfig has no current-context");
        if (!_contexts.TryGetValue(name, out var chosen)) throw new FormatException($"context \"{name}\" does not exist");
        string clusterName = chosen.Value["cluster"].Text, userName = chosen.Value["user"].Text;
        if (!_clusters.TryGetValue(clusterName, out var cluster)) throw new FormatException($"cluster \"{clusterName}\" of context \"{name}\" does not exist");
        var user = _users.GetValueOrDefault(userName);
        if (user is null && userName.Length > 0) throw new FormatException($"user \"{userName}\" of context \"{name}\" does not exist");
        if (user is not null && !user.Value["auth-provider"].IsNone)
            throw new FormatException($"user \"{userName}\" logs in by the auth provider \"{user.Value["auth-provider"]["name"].Text}\", which is not supported: use an exec plugin");
        if (!Uri.TryCreate(cluster.Value["server"].Text, UriKind.Absolute, out var server) || server.Scheme is not ("https" or "http"))
            throw new FormatException($"server of cluster \"{clusterName}\" is no URL: \"{cluster.Value["server"].Text}\"");
        bool insecure = cluster.Value["insecure-skip-tls-verify"].True;
        var authority = Pem(cluster, "certificate-authority");
        if (insecure && !authority.IsEmpty)
            throw new FormatException($"certificate-authority and insecure-skip-tls-verify of cluster \"{clusterName}\" exclude each other");
        return new()
        {
            Server = server,
            CertificateAuthority = authority,
            Insecure = insecure,
            TlsServerName = cluster.Value["tls-server-name"].Text,
            Proxy = cluster.Value["proxy-url"].Text is { Length: > 0 } proxy ? new(proxy) : null,
            ClientCertificate = user is null ? default : Pem(user, "client-certificate"),
            ClientKey = user is null ? default : Pem(user, "client-key"),
            Token = user?.Value["token"].Text ?? "",
            TokenFile = user is null ? "" : Resolve(user, user.Value["tokenFile"].Text),
            Exec = user is null || user.Value["exec"].IsNone ? null : ExecPlugin.Read(userName, user.Value["exec"], user.Folder),
            Username = user?.Value["username"].Text ?? "",
            Password = user?.Value["password"].Text ?? "",
            Headers = user is null ? [] : [.. Impersonation(user.Value)],
            Namespace = chosen.Value["namespace"].Text is { Length: > 0 } ns ? ns : "default",
        };
    }

    static IEnumerable<KeyValuePair<string, string>> Impersonation(YamlTree user)
    {
        if (user["as"].Text is { Length: > 0 } name) yield return new("Impersonate-User", name);
        if (user["as-uid"].Text is { Length: > 0 } uid) yield return new("Impersonate-Uid", uid);
        foreach (var group in user["as-groups"].Items) yield return new("Impersonate-Group", group.Text);
        foreach (var (key, values) in user["as-user-extra"].Members)
            foreach (var value in values.Items) yield return new("Impersonate-Extra-" + Uri.EscapeDataString(key), value.Text);
    }

    /// <summary>The data, which is preferred, or the file.</summary>
    static FileOrData Pem(Part part, string field)
    {
        if (part.Value[field + "-data"].Text is { Length: > 0 } data)
            try { return new(null, Convert.FromBase64String(data)); }
            catch (FormatException) { throw new FormatException($"{field}-data is not base64"); }
        return part.Value[field].Text is { Length: > 0 } file ? new(Resolve(part, file), default) : default;
    }

    static string Resolve(Part part, string file) => file.Length == 0 ? "" : Path.Combine(part.Folder, file);
}
