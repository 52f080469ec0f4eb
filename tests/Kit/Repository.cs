namespace Hanbae.Kit;

/// <summary>Finds things of the repository at test time, wherever the test assembly was built to.</summary>
public static class Repository
{
    /// <summary>The folder that holds <c>Hanbae.slnx</c>.</summary>
    public static string Root { get; } = Find(AppContext.BaseDirectory);

    static string Find(string from) =>
        File.Exists(Path.Combine(from, "Hanbae.slnx")) ? from
        : Path.GetDirectoryName(from) is { } up ? Find(up)
        : throw new DirectoryNotFoundException("no Hanbae.slnx above " + AppContext.BaseDirectory);
}
