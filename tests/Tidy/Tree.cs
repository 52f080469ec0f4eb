using Hanbae.Kit;

namespace Hanbae.Tidy;

/// <summary>The repository's files as the rules see them: sources only, nothing that a build or a cluster left there.</summary>
static class Tree
{
    static readonly string[] Skipped = ["bin", "obj", ".git", ".out", ".hanbae", "TestResults", "node_modules", ".vs", ".idea"];

    /// <summary>Every file, by its path from the root, with slashes.</summary>
    public static IReadOnlyList<string> Files { get; } = [.. Walk(new(Repository.Root)).Order(StringComparer.Ordinal)];

    public static IEnumerable<string> CSharp(params string[] folders) => Under(folders).Where(f => f.EndsWith(".cs", StringComparison.Ordinal));

    public static IEnumerable<string> Under(params string[] folders) => Files.Where(f => folders.Any(d => f.StartsWith(d + "/", StringComparison.Ordinal)));

    public static IEnumerable<string> Projects(params string[] folders) => Under(folders).Where(f => f.EndsWith(".csproj", StringComparison.Ordinal));

    public static string Text(string file) => File.ReadAllText(Path.Combine(Repository.Root, file));

    public static string[] Lines(string file) => File.ReadAllLines(Path.Combine(Repository.Root, file));

    static IEnumerable<string> Walk(DirectoryInfo folder)
    {
        foreach (var file in folder.EnumerateFiles())
            // A worktree's .git is a file.
            if (file.Name != ".git" && !file.Name.EndsWith(".user", StringComparison.Ordinal))
                yield return Path.GetRelativePath(Repository.Root, file.FullName).Replace('\\', '/');
        foreach (var inner in folder.EnumerateDirectories())
            if (!Skipped.Contains(inner.Name) && inner.LinkTarget is null)
                foreach (string file in Walk(inner)) yield return file;
    }
}
