// Turns api/ into C#: one file for each group and version, and the table of kinds. Run by the build of src/Api.
//   ApiGen API-FOLDER OUTPUT-FOLDER
using Hanbae.Api.Schema;
using Hanbae.Tools.ApiGen;

var (source, target) = (args[0], args[1]);
var files = Directory.EnumerateFiles(source, "*.api", SearchOption.AllDirectories).Order(StringComparer.Ordinal)
    .Select(f => ApiFile.Parse(Path.ChangeExtension(Path.GetRelativePath(source, f), null).Replace('\\', '/'), File.ReadAllText(f)))
    .ToList();
var universe = new Universe(files);
Directory.CreateDirectory(target);
foreach (var file in files)
    Write(Path.Combine(target, file.Path.Replace('/', '.') + ".g.cs"), new TypeEmitter(universe, file).Emit());
Write(Path.Combine(target, "Kinds.g.cs"), KindTable.Emit(universe));

// Unchanged output keeps its time stamp, so that nothing is compiled for nothing.
static void Write(string path, string text)
{
    if (!File.Exists(path) || File.ReadAllText(path) != text) File.WriteAllText(path, text);
}
